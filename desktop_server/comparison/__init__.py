"""The comparison of int8 and float: the same inputs through the appliance's files and through their float twins."""
