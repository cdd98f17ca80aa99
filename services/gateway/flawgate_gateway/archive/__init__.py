"""Pictures of inspections: kept by content, for as long as the rules of retention say."""
