/** The Temporal Web UI (2.42.1) as an operator uses it: every step is a page, a button or a field that can be seen. */
import type { BrowserContext, Locator, Page } from 'playwright-core';

/** The tabs of a workflow's page, by the last part of their address. */
export type WorkflowTab = 'history' | 'pending-activities' | 'user-metadata' | 'query' | 'search-attributes';

const TAB_NAMES: Record<WorkflowTab, string> = {
  history: 'History',
  'pending-activities': 'Pending Activities',
  'user-metadata': 'User Metadata',
  query: 'Queries',
  'search-attributes': 'Search Attributes',
};

const LIMIT_MS = 30_000;

export class TemporalUi {
  readonly page: Page;
  readonly #workflows: string;

  private constructor(page: Page, workflows: string) {
    this.page = page;
    this.#workflows = workflows;
    page.setDefaultTimeout(LIMIT_MS);
  }

  static async open(context: BrowserContext, uiUrl: string, namespace: string): Promise<TemporalUi> {
    return new TemporalUi(await context.newPage(), `${uiUrl}/namespaces/${namespace}/workflows`);
  }

  /** The list with a query as its filter. */
  async list(query: string): Promise<void> {
    await this.page.goto(`${this.#workflows}?query=${encodeURIComponent(query)}`);
    await this.page
      .getByRole('heading', { name: /Workflows?$/ })
      .first()
      .waitFor();
  }

  /** Opens the workflow of this id from the list that is shown. */
  async openFromList(workflowId: string): Promise<void> {
    await this.page.getByRole('link', { name: workflowId, exact: true }).first().click();
    await this.#onWorkflow();
  }

  async openWorkflow(workflowId: string): Promise<void> {
    await this.page.goto(`${this.#workflows}/${workflowId}`);
    await this.#onWorkflow();
  }

  async tab(tab: WorkflowTab): Promise<void> {
    await this.page.getByRole('tab', { name: new RegExp(`^${TAB_NAMES[tab]}`) }).click();
    await this.page.waitForURL(new RegExp(`/${tab}`));
  }

  /** The text of the workflow's current details, on the tab User Metadata. */
  async currentDetails(): Promise<string> {
    await this.tab('user-metadata');
    const rendered = this.page.frameLocator('iframe[title="output"]').last().locator('main');
    await rendered.locator('p, h3').first().waitFor();
    return await rendered.innerText();
  }

  /** What the query answers, on the tab Queries. */
  async query(name: string): Promise<string> {
    await this.tab('query');
    await this.#choose(this.page.locator('body'), 'query-select', name);
    await this.page.getByRole('button', { name: 'Run Query' }).click();
    const answer = this.page.locator('.cm-content').last();
    await answer.filter({ hasText: /\S/ }).waitFor();
    return await answer.innerText();
  }

  /** More Actions, Send an Update; from the tab History, since elsewhere the letter R refreshes the page. */
  async fillUpdate(name: string, data: string): Promise<void> {
    await this.tab('history');
    await this.page.getByRole('button', { name: 'More Actions' }).click();
    await this.page.getByRole('menuitem', { name: 'Send an Update' }).click();
    await this.#choose(this.#update, 'update-select', name);
    await this.#fillJson(this.#update, data);
  }

  /** Sends the update that was filled in; the first click may only format its data. */
  async submitUpdate(): Promise<void> {
    const submit = this.#update.getByTestId('confirm-modal-button');
    for (let click = 0; click < 3 && (await this.#update.isVisible()); click += 1) {
      await submit.click();
      await this.#update.waitFor({ state: 'hidden', timeout: 5_000 }).catch(() => undefined);
    }
    await this.#update.waitFor({ state: 'hidden' });
  }

  /** The form behind the button Start Workflow. */
  async fillStart(workflowId: string, taskQueue: string, type: string, input: string): Promise<void> {
    await this.page.getByRole('button', { name: 'Start Workflow', exact: true }).first().click();
    await this.page.getByLabel('Workflow ID').fill(workflowId);
    await this.page.getByLabel('Task Queue').fill(taskQueue);
    await this.page.getByLabel('Workflow Type').fill(type);
    await this.#fillJson(this.page.locator('main, body').first(), input);
  }

  /** Starts what was filled in, and waits until it is said to have been started; the first click may only format the input. */
  async submitStart(): Promise<void> {
    const submit = this.page.getByRole('button', { name: 'Start Workflow', exact: true }).last();
    const said = this.page.getByText(/started/i).first();
    for (let click = 0; click < 3 && !(await said.isVisible()); click += 1) {
      await submit.click();
      await said.waitFor({ timeout: 5_000 }).catch(() => undefined);
    }
    await said.waitFor();
  }

  get #update(): Locator {
    // It is there twice, for two widths of the page.
    return this.page.locator('#update-confirmation-modal').filter({ visible: true });
  }

  async #choose(within: Locator, select: string, option: string): Promise<void> {
    await within.getByTestId(`${select}-button`).click();
    await within
      .getByRole('option', { name: new RegExp(`^${option}`) })
      .filter({ visible: true })
      .click();
  }

  async #fillJson(within: Locator, data: string): Promise<void> {
    await within.locator('.cm-content[contenteditable="true"]').filter({ visible: true }).first().click();
    await this.page.keyboard.insertText(data);
  }

  async #onWorkflow(): Promise<void> {
    await this.page.getByRole('tab', { name: /^History/ }).waitFor();
  }
}
