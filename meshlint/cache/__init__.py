"""What reading a file gave, kept between runs and passed between processes: never code, never trusted."""
