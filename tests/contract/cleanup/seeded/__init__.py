"""What a seeded account is made of: stories, and for every kind of thing how one of it is made and looked at."""
