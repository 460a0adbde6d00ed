"""The nodes by MQTT: a listener for the page, a shared subscription for the metrics."""
