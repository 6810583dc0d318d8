"""What leaves for people: alerts as text, incidents as JSON and on the terminal."""
