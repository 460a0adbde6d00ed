"""From a trained net to an int8 file and its card, and to the forms that other runtimes read."""
