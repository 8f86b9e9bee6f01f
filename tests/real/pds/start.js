// Starts one PDS and its PLC directory on loopback. argv: the folder that holds node_modules, and PDS_* settings as
// JSON. The directory lives in memory; the process ends when its standard input closes, so that it outlives no test.
const { createRequire } = require('node:module')
const [folder, settings] = process.argv.slice(2)
const load = createRequire(`${folder}/`)
const plc = load('@did-plc/server')
const { PDS, readEnv, envToCfg, envToSecrets } = load('@atproto/pds')

function onLoopback(app) {
  const listen = app.listen.bind(app)
  app.listen = (port) => listen(port, '127.0.0.1')
}

async function main() {
  const directory = plc.PlcServer.create({ db: plc.Database.mock(), port: 0 })
  onLoopback(directory.app)
  const { port } = (await directory.start()).address()
  Object.assign(process.env, JSON.parse(settings), { PDS_DID_PLC_URL: `http://127.0.0.1:${port}` })
  const env = readEnv()
  const pds = await PDS.create(envToCfg(env), envToSecrets(env))
  onLoopback(pds.app)
  await pds.start()
}

process.stdin.on('end', () => process.exit()).resume()
main()
