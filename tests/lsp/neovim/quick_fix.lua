-- A person's session in Neovim: open a file, see what is wrong, take the preferred fix, save. Writes what came of it as JSON.
local file, command, out = vim.env.MESHLINT_FILE, vim.json.decode(vim.env.MESHLINT_COMMAND), vim.env.MESHLINT_OUT
local seen = { before = {}, after = {}, actions = {}, errors = {} }

local function done()
  local handle = assert(io.open(out, "w"))
  handle:write(vim.json.encode(seen))
  handle:close()
  for _, client in ipairs(vim.lsp.get_active_clients()) do
    client.stop()
  end
  vim.cmd("qall!")
end

local function codes()
  local found = {}
  for _, one in ipairs(vim.diagnostic.get(0)) do
    table.insert(found, one.code)
  end
  table.sort(found)
  return found
end

local function wait(what, holds)
  if not vim.wait(120000, holds, 50) then
    table.insert(seen.errors, "waited in vain for " .. what)
    done()
  end
end

vim.cmd("edit " .. vim.fn.fnameescape(file))
vim.bo.filetype = "yaml"
local client = vim.lsp.start_client({ name = "meshlint", cmd = command, root_dir = vim.fn.getcwd(), workspace_folders = {
  { uri = vim.uri_from_fname(vim.fn.getcwd()), name = "shop" },
} })
vim.lsp.buf_attach_client(0, client)
wait("diagnostics", function() return #codes() > 0 end)
seen.before = codes()

local params = vim.lsp.util.make_range_params()
params.range = { start = { line = 0, character = 0 }, ["end"] = { line = 0, character = 5 } }
params.context = { diagnostics = {} }
local answers = vim.lsp.buf_request_sync(0, "textDocument/codeAction", params, 120000) or {}
for id, answer in pairs(answers) do
  for _, action in ipairs(answer.result or {}) do
    table.insert(seen.actions, action.title)
    if action.isPreferred then
      vim.lsp.util.apply_workspace_edit(action.edit, vim.lsp.get_client_by_id(id).offset_encoding)
    end
  end
end
vim.cmd("write")
wait("the finding to go", function() return #codes() < #seen.before end)
seen.after = codes()
done()
