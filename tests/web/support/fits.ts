import type { Page } from "playwright-core";
import { expect } from "vitest";

/** Nothing scrolls sideways. */
export async function expectFits(page: Page): Promise<void> {
  const { width } = page.viewportSize() ?? { width: 0 };
  expect(await page.evaluate("document.documentElement.scrollWidth")).toBeLessThanOrEqual(width);
}
