/** As much of Node-RED's editor as the tests ask for inside a page, where they can't see it by eye or mouse. */
interface EditorNode {
  id: string;
  type: string;
  name?: string;
  z?: string;
}

interface PropertyDefinition {
  value?: unknown;
  /** The type of a config node. */
  type?: string;
  validate?: unknown;
}

interface NodeDefinition {
  category: string;
  defaults: Record<string, PropertyDefinition>;
  credentials?: Record<string, PropertyDefinition>;
}

declare const RED: {
  nodes: {
    getType(type: string): NodeDefinition;
    node(id: string): EditorNode | null;
    filterNodes(filter: { type?: string; z?: string }): EditorNode[];
    eachConfig(tell: (config: EditorNode) => void): void;
    filterLinks(filter: { source?: EditorNode; target?: EditorNode; sourcePort?: number }): unknown[];
    dirty(): boolean;
    createExportableNodeSet(nodes: EditorNode[]): Record<string, unknown>[];
  };
  sidebar: { show(id: string): void; help: { show(type: string): void } };
  workspaces: { active(): string };
};

interface Window {
  hardToRead(element: unknown): string[];
}
