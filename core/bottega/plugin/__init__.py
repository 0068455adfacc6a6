"""The door through which every part arrives: hook specifications and the plugin manager."""
