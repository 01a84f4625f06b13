/** What an expression of PromQL asks for, by Prometheus's own grammar. */
import type { SyntaxNode } from '@lezer/common';
import { parser } from '@prometheus-io/lezer-promql';

export interface Selected {
  metric: string;
  matchers: { label: string; operator: string; value: string }[];
}

export interface Asked {
  selected: Selected[];
  /** Labels of `by`, `on` and the like, with the metrics that they are labels of. */
  grouped: { label: string; metrics: string[] }[];
}

/** Throws where `expression` is not PromQL. Grafana's variables stand for durations. */
export function readPromql(expression: string): Asked {
  const text = expression.replace(/\$__(rate_interval|interval|range)\b/g, '5m');
  const asked: Asked = { selected: [], grouped: [] };
  const of = (node: SyntaxNode): string => text.slice(node.from, node.to);
  parser.parse(text).iterate({
    enter({ type, node }) {
      if (type.isError) throw new Error(`expected PromQL, got ${expression}`);
      if (type.name === 'VectorSelector') asked.selected.push(selectedBy(node, of));
      if (type.name === 'GroupingLabels') {
        const metrics = around(node)
          .getChildren('FunctionCallBody')
          .flatMap((body) => selectors(body).map((one) => selectedBy(one, of).metric));
        for (const label of node.getChildren('LabelName')) asked.grouped.push({ label: of(label), metrics });
      }
    },
  });
  return asked;
}

/** The aggregation whose modifier holds the labels. */
function around(grouping: SyntaxNode): SyntaxNode {
  const found = grouping.parent?.parent;
  if (found?.name !== 'AggregateExpr') throw new Error('expected the labels of an aggregation');
  return found;
}

function selectors(below: SyntaxNode): SyntaxNode[] {
  const found: SyntaxNode[] = [];
  below.cursor().iterate((node) => {
    if (node.name === 'VectorSelector') found.push(node.node);
  });
  return found;
}

function selectedBy(node: SyntaxNode, of: (node: SyntaxNode) => string): Selected {
  const name = node.getChild('Identifier');
  if (name === null) throw new Error('expected every selector to name its metric');
  const matchers = node.getChild('LabelMatchers')?.getChildren('UnquotedLabelMatcher') ?? [];
  return {
    metric: of(name),
    matchers: matchers.map((matcher) => {
      const [label, operator, value] = ['LabelName', 'MatchOp', 'StringLiteral'].map((part) => {
        const found = matcher.getChild(part);
        return found === null ? '' : of(found);
      });
      return { label: label ?? '', operator: operator ?? '', value: (value ?? '').slice(1, -1) };
    }),
  };
}
