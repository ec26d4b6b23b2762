"""What is tested of our own operator beyond the contract: how MindSpore calls it, its library, its package."""
