"""What an alarm moves: each action follows the state that is wanted, in a task of its own."""
