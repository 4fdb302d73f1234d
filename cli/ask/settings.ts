/** Words that options of a question take. */

export const EFFORT_NAMES = ["none", "low", "medium", "high", "xhigh", "max"] as const;
export type EffortName = (typeof EFFORT_NAMES)[number];

export const PANEL_RULES = ["majority", "median", "unanimous"] as const;
export type PanelRuleName = (typeof PANEL_RULES)[number];
