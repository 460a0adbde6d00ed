"""The report: one page of HTML and its twin in Markdown, from the figures that the studies keep."""
