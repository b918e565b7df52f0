"""One node on many machines: network namespaces with addresses of their own, joined by a switch, made and removed here."""
