"""What several test files share: named fakes, a tiny model repository, pictures."""
