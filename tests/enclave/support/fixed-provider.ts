import { createThrowawayAuthority } from "../../../devnet/throwaway-authority.ts";
import { startHostileServer, type HostileServer } from "./hostile-server.ts";

export interface FixedProvider extends HostileServer {
  readonly url: string;
  /** Of the certificate that it shows, as PEM. */
  readonly certificateAuthority: string;
}

/** A provider of one model on loopback, which says `content` whatever it is asked. */
export async function startFixedProvider(content: string, usage?: object): Promise<FixedProvider> {
  const choices = [{ finish_reason: "stop", message: { content } }];
  const reply = JSON.stringify({ id: "r", model: "m", choices, usage });
  const authority = await createThrowawayAuthority(new Date());
  const server = await startHostileServer({
    credentials: await authority.issue(["localhost"]),
    respond: (response) => {
      response.setHeader("content-length", Buffer.byteLength(reply));
      response.end(reply);
    },
  });
  return {
    ...server,
    url: `https://localhost:${server.port}/v1`,
    certificateAuthority: authority.certificate,
  };
}
