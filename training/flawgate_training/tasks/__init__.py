"""What the subcommands do, once torch may be imported: each puts experiment, data, learning and judging together."""
