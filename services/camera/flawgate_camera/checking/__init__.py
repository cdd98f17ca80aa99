"""Before a line starts: does each camera give pictures, and does the gateway take them?"""
