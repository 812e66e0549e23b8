/** Path of a Chromium: the one that MCP_SOAK_CHROMIUM names, the system's, or Playwright's own. Throws for a wrong name. */
export function findBrowser(): Promise<string | undefined>;
