// Who types: the login of this process, for what is recorded under somebody's name.
import os from "node:os";

export function login(): string {
  try {
    return os.userInfo().username;
  } catch {
    // A container's user may have no name.
    return "somebody";
  }
}
