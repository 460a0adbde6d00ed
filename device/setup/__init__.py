"""The first start and the doctor: what the appliance needs, looked at, asked for and written down."""
