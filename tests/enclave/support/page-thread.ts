import { isPageThread, servePages } from "../../../enclave/sources/page-threads.ts";

if (isPageThread()) servePages();
