"""From rendered values back to the lines that set them."""
