"""What a plan costs before it runs: hours, GPU hours and storage, by measured rates."""
