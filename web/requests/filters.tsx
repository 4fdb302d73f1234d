/** The filters of a list, as they stand in the address: a filtered list can be sent to somebody. */

import { useEffect, useState } from "preact/hooks";

export interface Filter {
  readonly consumer: string;
  readonly model: string;
  readonly state: string;
  readonly hours: string;
}

const EMPTY: Filter = { consumer: "", model: "", state: "", hours: "" };

/** The words of the list, and what the index calls them. */
const STATES: readonly (readonly [string, readonly (readonly [string, string])[]])[] = [
  ["settled", [["settlement", "fulfilled"]]],
  ["refunded", [["settlement", "refunded"]]],
  ["answered, not settled", [["phase", "answered"]]],
  ["sent, not settled", [["phase", "sent"]]],
  ["seen", [["phase", "seen"]]],
  ["model declined", [["status", "2"]]],
  ["callback failed", [["callback", "failed"]]],
];

const HOURS = [
  ["last hour", "1"],
  ["last 24 hours", "24"],
  ["last 7 days", "168"],
] as const;

const CONSUMER = /^0x[0-9a-f]{40}$/;

export function toQuery({ consumer, model, state, hours }: Filter, limit: number): URLSearchParams {
  const query = new URLSearchParams({ limit: String(limit) });
  if (CONSUMER.test(consumer.toLowerCase())) query.set("consumer", consumer.toLowerCase());
  if (model !== "") query.set("model", model);
  for (const [name, value] of STATES.find(([word]) => word === state)?.[1] ?? []) query.set(name, value);
  if (hours !== "") query.set("since", String(hoursAgo(Number(hours))));
  return query;
}

/** To the minute: a list whose question changed with every second would never rest. */
function hoursAgo(hours: number): number {
  return 60 * (Math.floor(new Date().getTime() / 60_000) - 60 * hours);
}

export function useFilter(): readonly [Filter, (filter: Filter) => void] {
  const read = (): Filter => ({ ...EMPTY, ...Object.fromEntries(new URLSearchParams(location.search)) });
  const [filter, setFilter] = useState<Filter>(read);
  useEffect(() => {
    const onBack = (): void => {
      setFilter(read());
    };
    addEventListener("popstate", onBack);
    return () => {
      removeEventListener("popstate", onBack);
    };
  }, []);
  return [
    filter,
    (wanted) => {
      const given = Object.entries(wanted).filter(([, value]) => value !== "");
      const search = new URLSearchParams(given as [string, string][]).toString();
      history.replaceState(null, "", search === "" ? location.pathname : `?${search}`);
      setFilter(wanted);
    },
  ];
}

export interface FiltersProps {
  readonly filter: Filter;
  readonly onFilter: (filter: Filter) => void;
  readonly isPaused: boolean;
  readonly onPause: () => void;
}

const ID = /^0x[0-9a-f]{64}$/;

export function Filters({ filter, onFilter, isPaused, onPause }: FiltersProps) {
  const set =
    (name: keyof Filter) =>
    ({ currentTarget: { value } }: { readonly currentTarget: { readonly value: string } }): void => {
      const text = value.trim();
      if (name === "consumer" && ID.test(text.toLowerCase()))
        location.hash = `#request=${text.toLowerCase()}`;
      else onFilter({ ...filter, [name]: text });
    };
  return (
    <form
      class="filters"
      onSubmit={(event) => {
        event.preventDefault();
      }}
    >
      <label class="wide">
        Id or consumer
        <Search placeholder="0x…" value={filter.consumer} onChange={set("consumer")} />
      </label>
      <label>
        Model
        <Search placeholder="any" value={filter.model} onChange={set("model")} />
      </label>
      <Choice
        name="Status"
        value={filter.state}
        onChange={set("state")}
        choices={STATES.map(([word]) => [word, word])}
      />
      <Choice name="Time" value={filter.hours} onChange={set("hours")} choices={HOURS} />
      <button class="btn" type="button" aria-pressed={isPaused} onClick={onPause}>
        {isPaused ? "Go on" : "Pause"}
      </button>
    </form>
  );
}

interface SearchProps {
  readonly placeholder: string;
  readonly value: string;
  readonly onChange: (event: { readonly currentTarget: { readonly value: string } }) => void;
}

/** What is being typed is its own: a list that arrives meanwhile draws the field again, and must not empty it. */
function Search({ placeholder, value, onChange }: SearchProps) {
  const [text, setText] = useState(value);
  useEffect(() => {
    setText(value);
  }, [value]);
  return (
    <input
      type="search"
      placeholder={placeholder}
      value={text}
      onInput={({ currentTarget }) => {
        setText(currentTarget.value);
      }}
      onChange={onChange}
    />
  );
}

interface ChoiceProps {
  readonly name: string;
  readonly value: string;
  readonly choices: readonly (readonly [string, string])[];
  readonly onChange: (event: { readonly currentTarget: { readonly value: string } }) => void;
}

function Choice({ name, value, choices, onChange }: ChoiceProps) {
  return (
    <label>
      {name}
      <select value={value} onChange={onChange}>
        <option value="">any</option>
        {choices.map(([word, meant]) => (
          <option key={meant} value={meant}>
            {word}
          </option>
        ))}
      </select>
    </label>
  );
}
