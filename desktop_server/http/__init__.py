"""The HTTP side: routes, access, limits, problems, and uvicorn around them."""
