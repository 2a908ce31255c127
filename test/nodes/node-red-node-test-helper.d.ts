/** The part of node-red-node-test-helper that is used here; the published types know nothing of its promises. */
declare module 'node-red-node-test-helper' {
  import type { Node, NodeAPI, NodeMessage } from 'node-red';

  /** A node of type `helper`, or any other of the flow. */
  export type TestNode = Node & {
    receive(message: object): void;
    on(event: 'input', listener: (message: NodeMessage & Record<string, unknown>) => void): TestNode;
  };

  const helper: {
    init(nodeRedPath: string): void;
    load(nodes: ((RED: NodeAPI) => void)[], flow: object[], credentials: object): Promise<void>;
    setFlows(flow: object[], type: string, credentials: object): Promise<void>;
    unload(): Promise<void>;
    getNode(id: string): TestNode;
    startServer(): Promise<void>;
    stopServer(): Promise<void>;
    url(): string;
    log(): { args: unknown[][] };
    settings(settings: object): object;
  };
  export default helper;
}
