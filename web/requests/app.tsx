/** The pages about a node: its requests, one request, and the enclaves that its chains admitted. */

import { useEffect, useState } from "preact/hooks";
import { Frame } from "../ui/frame.tsx";
import { connectTo } from "./api.ts";
import { Enclaves } from "./enclaves.tsx";
import { RequestList } from "./list.tsx";
import type { LiveState } from "./live.ts";
import { LiveMark } from "./live-mark.tsx";
import { RequestPage } from "./request-page.tsx";

/** The node that served this page. */
const NODE = connectTo("");

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
  return (
    <Frame
      page={hash === "#enclaves" ? "Enclaves" : "Requests"}
      end={
        <>
          <span class="opt">{location.host}</span>
          <LiveMark state={live} />
        </>
      }
    >
      {id === undefined ? (
        <>
          <RequestList node={NODE} onState={setLive} />
          <Enclaves node={NODE} />
        </>
      ) : (
        <RequestPage key={id} node={NODE} id={id} onState={setLive} />
      )}
    </Frame>
  );
}
