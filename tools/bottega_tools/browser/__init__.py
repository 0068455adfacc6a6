"""A browser that agents drive: the system's own Chromium, headless, by way of Playwright."""
