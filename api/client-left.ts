/** The client closed its connection before it was answered. Nobody is left to tell, and nothing of ours is wrong. */
export class ClientLeft extends Error {
  override readonly name = 'ClientLeft';
}
