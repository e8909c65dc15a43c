"""The app: operating characteristics that follow a curve while it is dragged, in a browser on this machine."""
