"""A small model of both routing APIs, written without a look at the converter: a request in, what becomes of it out."""
