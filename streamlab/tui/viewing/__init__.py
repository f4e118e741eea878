"""What the screen of one exchange is made of beside its panes: each part has one duty."""
