/* A server as the README of fastmcp shows it, with two tools that an audit can use. */
import { FastMCP } from 'fastmcp';
import * as z from 'zod';

const server = new FastMCP({ name: 'fastmcp-example', version: '1.0.0' });

server.addTool({
  name: 'echo',
  description: 'Gives back what it is given.',
  parameters: z.object({ message: z.string() }),
  execute: async ({ message }) => message,
});
server.addTool({
  name: 'sleep',
  description: 'Answers after so many milliseconds.',
  parameters: z.object({ ms: z.number() }),
  execute: async ({ ms }) => {
    await new Promise((resolve) => setTimeout(resolve, ms));
    return `slept ${ms} ms`;
  },
});

await server.start({ transportType: 'httpStream', httpStream: { port: Number(process.env.PORT) } });
