"""What is measured of the models, a module a study, and the registry that says which figures are up to date."""
