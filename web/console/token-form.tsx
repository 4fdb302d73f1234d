/** What opens the console. */

import { useRef } from "preact/hooks";

export interface TokenFormProps {
  readonly fault: string | null;
  readonly isAsking: boolean;
  readonly onToken: (token: string) => void;
}

export function TokenForm({ fault, isAsking, onToken }: TokenFormProps) {
  const field = useRef<HTMLInputElement>(null);
  return (
    <div class="verdict">
      <h1 class="title">Console</h1>
      <p class="because">
        What this node does, and what of it needs you. It reads, and changes nothing: that is done by{" "}
        <code>adyton oracle</code>. The token is in the file that <code>console.tokenFile</code> of the node’s
        configuration names; this page keeps it until it is closed, and stores it nowhere.
      </p>
      <form
        class="paste"
        onSubmit={(event) => {
          event.preventDefault();
          const token = field.current?.value.trim() ?? "";
          if (token !== "") onToken(token);
        }}
      >
        <label>
          Token
          <input ref={field} class="token" type="password" autocomplete="off" spellcheck={false} required />
        </label>
        <div class="row">
          <button class="btn main" type="submit" disabled={isAsking}>
            {isAsking ? "Asking the node" : "Show"}
          </button>
        </div>
        {fault !== null && (
          <p class="caution bad" role="alert">
            {fault}
          </p>
        )}
      </form>
    </div>
  );
}
