/** Where files come in: dropped, chosen or pasted. */

import type { RefObject } from "preact";

const KINDS: readonly (readonly [string, string])[] = [
  ["Receipt", "JSON, or its COSE twin"],
  ["Quote or report", "Intel TDX and SGX, AMD SEV-SNP"],
  ["Attestation document", "AWS Nitro, Azure, dstack, NVIDIA"],
  ["Certificate", "RA-TLS, PEM or DER"],
  ["Endorsements", "what the vendor says of the platform"],
  ["Policy", "what you accept; without one nothing is accepted"],
];

export interface DropAreaProps {
  readonly isOver: boolean;
  readonly onChoose: () => void;
  readonly onPaste: () => void;
  readonly onDemo: () => void;
}

export function DropArea({ isOver, onChoose, onPaste, onDemo }: DropAreaProps) {
  return (
    <div class={`drop${isOver ? " over" : ""}`} role="group" aria-label="Drop files here">
      <div>
        <h1>
          <span class="mouse">Drop</span>
          <span class="touch">Open</span> what you were given.
        </h1>
        <p class="lead">
          A receipt, or the evidence of an enclave. It is checked here, in this tab: the page has no
          permission to send anything anywhere.
        </p>
        <div class="row">
          <button class="btn main" type="button" onClick={onChoose}>
            Choose files…
          </button>
          <button class="btn" type="button" onClick={onPaste}>
            Paste
          </button>
          <button class="btn bare" type="button" onClick={onDemo}>
            Try the demo’s receipt
          </button>
        </div>
      </div>
      <div>
        <dl class="kinds">
          {KINDS.map(([name, says]) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{says}</dd>
            </div>
          ))}
        </dl>
      </div>
    </div>
  );
}

export interface FileInputProps {
  readonly input: RefObject<HTMLInputElement | null>;
  readonly onFiles: (files: readonly File[]) => void;
}

export function FileInput({ input, onFiles }: FileInputProps) {
  return (
    <input
      ref={input}
      type="file"
      multiple
      hidden
      aria-label="Files to judge"
      onChange={({ currentTarget }) => {
        onFiles([...(currentTarget.files ?? [])]);
        currentTarget.value = "";
      }}
    />
  );
}
