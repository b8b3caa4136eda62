import * as path from "node:path";
import * as vscode from "vscode";
import { LanguageClient, State, type LanguageClientOptions, type ServerOptions } from "vscode-languageclient/node";

const LANGUAGES = ["yaml", "json", "jsonc", "helm", "dockercompose", "github-actions-workflow"];
const INSTALL = "https://github.com/meshlint/meshlint/blob/main/docs/editors.md";

let client: LanguageClient | undefined;
let status: vscode.StatusBarItem | undefined;

export async function activate(context: vscode.ExtensionContext): Promise<void> {
  status = vscode.window.createStatusBarItem("meshlint", vscode.StatusBarAlignment.Right);
  status.name = "meshlint";
  status.command = "meshlint.showOutput";
  context.subscriptions.push(
    status,
    vscode.commands.registerCommand("meshlint.restart", restart),
    vscode.commands.registerCommand("meshlint.fixAllHere", fixAll),
    vscode.commands.registerCommand("meshlint.showOutput", () => client?.outputChannel.show()),
    vscode.workspace.onDidChangeConfiguration(async (change) => {
      if (change.affectsConfiguration("meshlint.path") || change.affectsConfiguration("meshlint.args")) {
        await restart();
      }
    }),
  );
  await start();
}

export async function deactivate(): Promise<void> {
  await client?.dispose();
  client = undefined;
}

/** The program to run: a relative path with a slash starts in the first folder, a bare name is looked for on the PATH. */
function program(): string {
  const said = vscode.workspace.getConfiguration("meshlint").get<string>("path")?.trim() || "meshlint";
  const folder = vscode.workspace.workspaceFolders?.[0]?.uri.fsPath;
  const relative = !path.isAbsolute(said) && /[\\/]/.test(said);
  return relative && folder !== undefined ? path.join(folder, said) : said;
}

async function start(): Promise<void> {
  const given = vscode.workspace.getConfiguration("meshlint").get<string[]>("args") ?? [];
  const server: ServerOptions = { command: program(), args: ["lsp", ...given] };
  const options: LanguageClientOptions = {
    documentSelector: LANGUAGES.map((language) => ({ scheme: "file", language })),
    synchronize: { configurationSection: "meshlint" },
    outputChannelName: "meshlint",
  };
  client = new LanguageClient("meshlint", "meshlint", server, options);
  client.onDidChangeState(({ newState }) => show(newState));
  try {
    await client.start();
  } catch (error) {
    show(State.Stopped);
    const choice = await vscode.window.showErrorMessage(`meshlint cannot be run as ${server.command}: ${String(error)}`, "How to install it");
    if (choice !== undefined) {
      await vscode.env.openExternal(vscode.Uri.parse(INSTALL));
    }
  }
}

async function restart(): Promise<void> {
  try {
    await client?.dispose();
  } catch {
    client?.outputChannel.appendLine("the server was not running");
  }
  client = undefined;
  await start();
}

async function fixAll(): Promise<void> {
  const editor = vscode.window.activeTextEditor;
  if (client === undefined || editor === undefined) {
    return;
  }
  const uri = client.code2ProtocolConverter.asUri(editor.document.uri);
  const done = await client.sendRequest<boolean>("workspace/executeCommand", { command: "meshlint.fixAll", arguments: [uri] });
  if (!done) {
    vscode.window.setStatusBarMessage("meshlint: there is no safe fix to make here", 5000);
  }
}

function show(state: State): void {
  if (status === undefined) {
    return;
  }
  const icon = { [State.Running]: "$(check)", [State.Starting]: "$(sync~spin)", [State.Stopped]: "$(error)" }[state];
  status.text = `${icon} meshlint`;
  status.tooltip = { [State.Running]: "running", [State.Starting]: "starting", [State.Stopped]: "not running" }[state];
  status.show();
}
