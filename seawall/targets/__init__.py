"""What "good" means, and whether a run was: `targets.toml`, its judgement and the verdict. Text and numbers in only."""
