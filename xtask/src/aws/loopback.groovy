// Amazon's own main method would listen on every interface of the machine.
import com.amazonaws.services.dynamodbv2.local.main.ServerRunner

def dynamodb = ServerRunner.createServerFromCommandLineArgs(args)
dynamodb.server.connectors.each { it.host = '127.0.0.1' }
dynamodb.start()
dynamodb.join()
