"""What rows and lines look like, without a screen to show them on."""
