"""The admin site of staff, and the second factor of its sign-in."""
