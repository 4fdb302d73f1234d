/** The pages about a node: its requests, one request, the enclaves that its chains admitted, and the contracts that it serves. */

import { useEffect, useState } from "preact/hooks";
import { Frame, type PageName } from "../ui/frame.tsx";
import { connectTo } from "./api.ts";
import { Contracts } from "./contracts.tsx";
import { Enclaves } from "./enclaves.tsx";
import { RequestList } from "./list.tsx";
import type { LiveState } from "./live.ts";
import { LiveMark } from "./live-mark.tsx";
import { RequestPage } from "./request-page.tsx";

/** The node that served this page. */
const NODE = connectTo("");

const PAGES: Readonly<Record<string, PageName>> = { "#enclaves": "Enclaves", "#contracts": "Contracts" };
const REQUEST = /^#request=(0x[0-9a-f]{64})$/;

export function App() {
  const [hash, setHash] = useState(location.hash);
  const [live, setLive] = useState<LiveState>("lost");
  useEffect(() => {
    const onHash = (): void => {
      setHash(location.hash);
    };
    addEventListener("hashchange", onHash);
    return () => {
      removeEventListener("hashchange", onHash);
    };
  }, []);
  const id = REQUEST.exec(hash)?.[1];
  const page = PAGES[hash] ?? "Requests";
  return (
    <Frame
      page={page}
      end={
        <>
          <span class="opt">{location.host}</span>
          {page === "Requests" && <LiveMark state={live} />}
        </>
      }
    >
      {page === "Enclaves" && <Enclaves node={NODE} />}
      {page === "Contracts" && <Contracts node={NODE} />}
      {page === "Requests" &&
        (id === undefined ? (
          <RequestList node={NODE} onState={setLive} />
        ) : (
          <RequestPage key={id} node={NODE} id={id} onState={setLive} />
        ))}
    </Frame>
  );
}
