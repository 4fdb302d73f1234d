/** The frame of every page: name and pages above, build, theme and the limits of trust below. */

import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";

export type PageName = "Verify" | "Requests" | "Enclaves" | "Contracts" | "Try" | "Console";

const PAGES: readonly (readonly [PageName, string])[] = [
  ["Verify", "verify.html"],
  ["Requests", "./"],
  ["Enclaves", "./#enclaves"],
  ["Contracts", "./#contracts"],
];

/** Only where `adyton up` serves the pages. */
const TRY = ["Try", "local.html"] as const;

export interface FrameProps {
  readonly page: PageName;
  readonly end: ComponentChildren;
  readonly children: ComponentChildren;
}

export function Frame({ page, end, children }: FrameProps) {
  return (
    <>
      <a class="skip" href="#main">
        To the content
      </a>
      <header class="top">
        <div>
          <a class="word" href={page === "Console" ? "#" : "./"}>
            <Logo />
            adyton
          </a>
          {page !== "Console" && (
            <nav aria-label="Pages">
              {(page === "Try" ? [TRY, ...PAGES] : PAGES).map(([name, href]) => (
                <a key={name} href={href} {...(name === page && { "aria-current": "page" })}>
                  {name}
                </a>
              ))}
            </nav>
          )}
          <div class="end">{end}</div>
        </div>
      </header>
      <main id="main">{children}</main>
      <Foot />
    </>
  );
}

function Logo() {
  return (
    <svg viewBox="0 0 20 20" fill="none" stroke="currentColor" stroke-width="1.6" aria-hidden="true">
      <path d="M7 18.5H1.5v-17h17v17H13" />
      <rect x="6.5" y="6.5" width="7" height="7" fill="currentColor" stroke="none" />
    </svg>
  );
}

function Foot() {
  const hash = document.querySelector<HTMLMetaElement>('meta[name="adyton-build"]')?.content ?? "";
  return (
    <footer class="foot">
      <div>
        <span>
          Build <code title={hash}>{`${hash.slice(0, 4)}…${hash.slice(-4)}`}</code>; its files are listed in{" "}
          <code>page.json</code>.
        </span>
        <Theme />
        <span>A page from an operator cannot verify that operator. Keep a copy of your own.</span>
      </div>
    </footer>
  );
}

const THEMES = ["System", "Light", "Dark"] as const;

/** Kept for as long as the page is open: nothing is stored. */
function Theme() {
  const [theme, setTheme] = useState<string>("System");
  return (
    <label>
      Theme
      <select
        value={theme}
        onChange={({ currentTarget: { value } }) => {
          setTheme(value);
          if (value === "System") delete document.documentElement.dataset["theme"];
          else document.documentElement.dataset["theme"] = value.toLowerCase();
        }}
      >
        {THEMES.map((name) => (
          <option key={name}>{name}</option>
        ))}
      </select>
    </label>
  );
}

export function Head({ title, children }: { readonly title: string; readonly children?: ComponentChildren }) {
  return (
    <div class="head">
      <h2>{title}</h2>
      {children !== undefined && <p>{children}</p>}
    </div>
  );
}
