// A door on loopback in front of a service: what stands between it and its users in tests of bad networks.
import type { Server } from "node:net";

/** Listens on a free port; answers how to write a service's address so that it leads through this door. */
export async function openDoor(server: Server): Promise<(url: string) => string> {
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the door has no port");
  return (given) => {
    const url = new URL(given);
    url.host = `127.0.0.1:${address.port}`;
    return url.href;
  };
}
