"""From a corpus's signal to a model's input, by the appliance's own features."""
