/** For what is on the clipboard: hex, base64, PEM or JSON. */

import { useEffect, useRef } from "preact/hooks";

export interface PastePanelProps {
  readonly onText: (text: string) => void;
  readonly onClose: () => void;
}

export function PastePanel({ onText, onClose }: PastePanelProps) {
  const field = useRef<HTMLTextAreaElement>(null);
  useEffect(() => {
    field.current?.focus();
  }, []);
  return (
    <form
      class="paste"
      onSubmit={(event) => {
        event.preventDefault();
        onText(field.current?.value ?? "");
      }}
    >
      <label>
        Text: JSON, PEM, hex or base64
        <textarea ref={field} rows={6} spellcheck={false} />
      </label>
      <div class="row">
        <button class="btn main" type="submit">
          Judge this
        </button>
        <button class="btn" type="button" onClick={onClose}>
          Close
        </button>
      </div>
    </form>
  );
}
