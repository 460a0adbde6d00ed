"""What int8 costs: the same inputs through the appliance's files and through their float twins."""
