"""The handwritten digits that come with tipi; LICENSE-digits.txt says whose they are and how they are stored."""
